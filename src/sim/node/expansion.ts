/**
 * `$(NAME)` is replaced by the variable of that name, or left where there is none; `$$` is one `$`. What is put in is not
 * read again. As k8s.io/kubernetes/third_party/forked/golang/expansion does it for commands and variables.
 */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  // Behind it nothing that begins has an end: to look for one each time would take quadratic time.
  const lastEnd = text.lastIndexOf(')');
  let expanded = '';
  let done = 0;
  for (let at = text.indexOf('$'); at >= 0; at = text.indexOf('$', done)) {
    expanded += text.slice(done, at);
    done = at + 2;
    if (text[at + 1] === '$') expanded += '$';
    else if (text[at + 1] === '(' && at < lastEnd) {
      done = text.indexOf(')', at) + 1;
      const name = text.slice(at + 2, done - 1);
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      expanded += value ?? text.slice(at, done);
    } else expanded += text.slice(at, done);
  }
  return expanded + text.slice(done);
}
