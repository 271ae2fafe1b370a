# bash completion of tandem; written by `tandem completion bash`, not by hand.
# Names of engines; what a shell could take for more than a name is left out.
_tandem_engines() {
  tandem --timeout 2s engine list 2>/dev/null |
    awk 'NR > 1 && $1 ~ /^[A-Za-z0-9._-]+$/ { print $1 }'
}
_tandem() {
  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
  local commands="submit jobs job result follow cancel pause resume retry feedback purge topology drain engine route cache weights keys cost assess simulate tune calibrate certs help version completion"
  local globals="--node --data --tls --json --no-color --timeout --help"
  local valued="--node --data --tls --timeout --file --mode --key --tenant --tag --priority --budget-usd --budget-tokens --check --cache --weights --session --check-file --state --text --limit --before --after --reason --score --comment --older-than --interval --name --kind --model --url --served-model --server --api-key-file --api-key-env --concurrency --deadline --share --policy --clip --purpose --tier --level --version --max-unavailable --canary --judge --judge-requests --drain --load --prompt --expect --requests-per-min --tokens-per-min --budget-period --priority-max --expires --by --from --to --log --large --small --large-price --small-price --qps --tokens --large-share --build-usd --running-usd --months --latency-ms --trace --variant --small-quality --engines --speed --requests --verified --slo --job-slo --warm-up --seed --html --for --tolerance --seeds --runs --time --write --config --seconds --requests-max --prompt-tokens --answer-tokens --out --host --days"
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
    submit) words="--file --wait --follow --mode --key --tenant --tag --priority --timeout --budget-usd --budget-tokens --check --cache --weights --session --check-file $globals" ;;
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
    drain) words="--wait $globals" ;;
    engine) words="list probe explain add drain undrain remove --name --kind --model --url --served-model --server --api-key-file --api-key-env --concurrency --deadline $globals" ;;
    route) words="status explain try promote rollback export eval --share --reason --after --limit --policy --clip --purpose $globals" ;;
    cache) words="--tier --tenant --model --weights --level --all $globals" ;;
    weights) words="--version --max-unavailable --canary --judge --judge-requests --drain --load --pause --prompt --expect --force --watch $globals" ;;
    keys) words="create list revoke --name --tenant --model --requests-per-min --tokens-per-min --concurrency --budget-usd --budget-tokens --budget-period --priority-max --admin --expires $globals" ;;
    cost) words="--by --from --to --tenant --no-quality $globals" ;;
    assess) words="--log --model --large --small --large-price --small-price --qps --tokens --large-share --build-usd --running-usd --months --latency-ms --inputs --profiles $globals" ;;
    simulate) words="--trace --load --variant --large --small --small-quality --engines --speed --requests --verified --slo --job-slo --throughput --warm-up --seed --html $globals" ;;
    tune) words="--log --load --for --tolerance --seeds --runs --time --write --apply --share --engines --speed --requests --verified --slo --job-slo --seed $globals" ;;
    calibrate) words="--config --model --api-key-env --seconds --requests-max --concurrency --prompt-tokens --answer-tokens --cache-capacity --name --seed --out $globals" ;;
    certs) words="show check issue init renew --name --kind --host --days --out --force $globals" ;;
    help) words="$commands $globals" ;;
    version) words="$globals" ;;
    completion) words="bash $globals" ;;
  esac
  case "$prev" in
    --mode) words="plan_act large small" ;;
    --state) words="queued running paused done failed cancelled" ;;
    --kind) words="client node" ;;
    --check) words="number exact= contains= regex= json_schema= judge= command=" ;;
    probe | explain | drain | undrain | remove) [[ "$command" == engine ]] && words="$(_tandem_engines)" ;;
    --purpose) words="plan step compose verify answer way" ;;
    eval) [[ "$command" == route ]] && { COMPREPLY=($(compgen -f -- "$cur")); return; } ;;
    --file | --check-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --data | --tls | --out) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    --*) [[ " $valued " == *" $prev "* ]] && return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _tandem tandem
