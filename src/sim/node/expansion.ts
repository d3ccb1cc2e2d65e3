/**
 * `$(NAME)` is replaced by the variable of that name, or left where there is none; `$$` is one `$`. What is put in is not
 * read again. As k8s.io/kubernetes/third_party/forked/golang/expansion does it for commands and variables.
 */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (whole: string, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(variables, name) ? (variables[name] ?? '') : whole;
  });
}
