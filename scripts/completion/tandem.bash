# bash completion of tandem; written by `tandem completion bash`, not by hand.
_tandem() {
  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
  local commands="submit jobs job result follow cancel pause resume retry feedback purge topology certs help version completion"
  local globals="--node --data --tls --json --no-color --timeout --help"
  local valued="--node --data --tls --timeout --file --mode --key --tenant --tag --priority --state --text --limit --before --after --reason --score --comment --older-than --interval --name --kind --host --days --out"
  local command="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ "${COMP_WORDS[i]}" == --* ]]; then
      [[ " $valued " == *" ${COMP_WORDS[i]} "* ]] && ((i++))
    else
      command="${COMP_WORDS[i]}"
      break
    fi
  done
  case "$command" in
    "") words="$commands $globals" ;;
    submit) words="--file --wait --follow --mode --key --tenant --tag --priority --timeout $globals" ;;
    jobs) words="--state --tenant --tag --text --limit --before $globals" ;;
    job) words="$globals" ;;
    result) words="$globals" ;;
    follow) words="--after --timeout $globals" ;;
    cancel) words="--reason $globals" ;;
    pause) words="--reason $globals" ;;
    resume) words="--reason $globals" ;;
    retry) words="--reason $globals" ;;
    feedback) words="--score --comment $globals" ;;
    purge) words="--older-than --yes $globals" ;;
    topology) words="--watch --interval --dot $globals" ;;
    certs) words="show check issue --name --kind --host --days --out $globals" ;;
    help) words="$commands $globals" ;;
    version) words="$globals" ;;
    completion) words="bash $globals" ;;
  esac
  case "$prev" in
    --mode) words="plan_act large small" ;;
    --state) words="queued running paused done failed cancelled" ;;
    --kind) words="client node" ;;
    --file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --data | --tls | --out) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    --*) [[ " $valued " == *" $prev "* ]] && return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _tandem tandem
