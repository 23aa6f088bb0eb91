#!/usr/bin/env bash
# Extracts on many machines at once, then merges and compares: an array job and a job that waits for it.
#
#   SHARDS=16 scripts/slurm/submit.sh DATA_ROOT OUTPUT_DIR FINAL_DIR [flags of speakerscope extract]
#
# All three folders lie on a file system that the machines share. From the environment:
#   SHARDS          tasks of the array (default 4); SHARDS=16%8 runs at most 8 at a time
#   EXTRACT_SBATCH  flags of sbatch for a task, such as "--cpus-per-task=8 --mem=16G --time=4:00:00 --gres=gpu:1"
#   MERGE_SBATCH    likewise for the merge (default --cpus-per-task=2 --mem=4G)
#   MERGE_FLAGS     flags of speakerscope merge
#   SPEAKERSCOPE    the command (default: this checkout's)
set -euo pipefail
if [ $# -lt 3 ]; then sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 2; fi

here=$(cd "$(dirname "$0")" && pwd)
data_root=$(realpath "$1") output_dir=$(realpath -m "$2") final_dir=$(realpath -m "$3")
shift 3
shards=${SHARDS:-4}
count=${shards%%%*}
limit=${shards#"$count"}
export SPEAKERSCOPE=${SPEAKERSCOPE:-"node $(cd "$here/../.." && pwd)/dist/src/cli/main.js"}
mkdir -p "$output_dir/logs"

# shellcheck disable=SC2086  # the flags are several words
extract=$(sbatch --parsable --array="0-$((count - 1))$limit" --output="$output_dir/logs/extract_%a.out" \
  ${EXTRACT_SBATCH:-} "$here/extract.sbatch" "$data_root" "$output_dir" --num_shards "$count" "$@")
# shellcheck disable=SC2086
merge=$(sbatch --parsable --dependency="afterok:${extract%%;*}" --kill-on-invalid-dep=yes \
  --output="$output_dir/logs/merge.out" ${MERGE_SBATCH:---cpus-per-task=2 --mem=4G} \
  "$here/merge.sbatch" "$output_dir" "$final_dir" ${MERGE_FLAGS:-})
echo "extract: job $extract, $count shards; merge: job $merge, after it"
echo "how far it is: $SPEAKERSCOPE status $output_dir"
