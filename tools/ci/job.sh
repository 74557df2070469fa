# Sourced by the steps: where a CI job keeps its things, and how a step becomes root.
#
# Everything lies in one folder that the job's user owns, for a runner unpacks caches and packs artefacts as that user.
# What the steps are told comes in variables, INPUT_…, and is never part of a command's text.

base=${SOCIOMETER_CI_FOLDER:-${RUNNER_TEMP:-${CI_PROJECT_DIR:-$PWD}}/sociometer-ci}
results=$base/results
sociometer=$base/bin/sociometer
export SOCIOMETER_CACHE="$base/cache" SOCIOMETER_DATA="$base/data"
if [ -f "$base/docker/config.json" ]; then export DOCKER_CONFIG="$base/docker"; fi

# The lab needs root. It gets the registries' logins (HOME, DOCKER_CONFIG) and the way to the network, and no other
# variable: a token of the job's is not handed to a process that runs images.
kept=HOME,SOCIOMETER_CACHE,SOCIOMETER_DATA,DOCKER_CONFIG,DOCKER_HOST
kept=$kept,AWS_ACCESS_KEY_ID,AWS_SECRET_ACCESS_KEY,AWS_SESSION_TOKEN,AWS_REGION,AWS_DEFAULT_REGION
kept=$kept,HTTP_PROXY,HTTPS_PROXY,NO_PROXY,http_proxy,https_proxy,no_proxy,SSL_CERT_FILE,SSL_CERT_DIR,GOPROXY
as_root() (
    for name in $(compgen -e); do
        case ,PATH,LANG,LC_ALL,$kept, in
        *,"$name",*) ;;
        *) unset "$name" ;;
        esac
    done
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo --preserve-env="$kept" "$@"; fi
)

# Gives the job's user what root has written; links are left as they are.
give_back() {
    [ "$(id -u)" = 0 ] || as_root chown --recursive --no-dereference "$(id -u):$(id -g)" "$base"
}

# A step's output, where the runner reads some.
output() {
    if [ -n "${GITHUB_OUTPUT:-}" ]; then printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"; fi
}
