/**
 * What each shell is given to source. All of them ask the program itself: the first line of its answer says what the shell adds
 * (`files`, `folders`, `nothing`), each other one is a value and, behind a tab, what it is.
 */
export const SCRIPTS = { bash, zsh, fish } as const;
export type Shell = keyof typeof SCRIPTS;

/** The hidden command that answers. */
export const ASKED = '__complete';

/** A function of that name is nobody else's. */
function functionName(program: string): string {
  return `_${program.replaceAll(/\W/g, '_')}`;
}

/** bash breaks words at more than blanks, so the line is given as it is and values come back without what stays. */
function bash(program: string): string {
  const name = functionName(program);
  return `# Completion of ${program} for bash: source <(${program} completion bash)
${name}() {
  local reply value also
  mapfile -t reply < <(${program} ${ASKED} bash "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  COMPREPLY=()
  for value in "\${reply[@]:1}"; do
    COMPREPLY+=("$(printf '%q' "\${value%%$'\\t'*}")")
  done
  also=\${reply[0]:-nothing}
  if [[ $also == files ]]; then
    compopt -o default 2>/dev/null
  elif [[ $also == folders ]]; then
    compopt -o plusdirs 2>/dev/null
  fi
}
complete -F ${name} ${program}
`;
}

function zsh(program: string): string {
  const name = functionName(program);
  return `#compdef ${program}
# Completion of ${program} for zsh: source <(${program} completion zsh), after compinit; or as _${program} in a folder of $fpath
${name}() {
  local -a reply values
  local line also
  reply=("\${(@f)$(${program} ${ASKED} zsh -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  also=\${reply[1]:-nothing}
  shift reply
  for line in "\${(@)reply}"; do
    values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#values )); then
    _describe -V '${program}' values
  elif [[ $also == files ]]; then
    _files
  elif [[ $also == folders ]]; then
    _files -/
  fi
}
if [[ $funcstack[1] == ${name} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program}
fi
`;
}

function fish(program: string): string {
  const name = functionName(program);
  return `# Completion of ${program} for fish: ${program} completion fish | source
function ${name}
  set -l words (commandline -opc) (commandline -ct)
  set -l reply (${program} ${ASKED} fish -- $words[2..-1] 2>/dev/null)
  set -l also $reply[1]
  set -e reply[1]
  if test (count $reply) -gt 0
    printf '%s\\n' $reply
  else if test "$also" = files
    __fish_complete_path (commandline -ct)
  else if test "$also" = folders
    __fish_complete_directories (commandline -ct)
  end
end
complete -c ${program} -f -a '(${name})'
`;
}
