#!/usr/bin/env bash
# Brings up a real Slurm on this machine alone, for tests: munged, slurmctld and a slurmd for each node, without systemd,
# cgroups and accounting. Run as root, with Debian's slurm-wlm and munge installed.
#
#   LAB=/tmp/lab PORT=16817 NODES=1 CPUS=8 GPUS=4 slurm-up.sh up|down
#
# The CPUs are as many as one says. A GPU is a character device, so that Slurm hands them out and sets
# CUDA_VISIBLE_DEVICES as it would for real ones.
set -eu
nodes=${NODES:-1} cpus=${CPUS:-8} gpus=${GPUS:-4} host=$(hostname -s)
export SLURM_CONF=$LAB/slurm.conf

if [ "${1:-up}" = down ]; then
  # What a failed test left running.
  if [ -n "$(timeout 10 squeue --noheader 2>/dev/null)" ]; then
    timeout 10 scancel --user="$(id -un)" || true
    for _ in $(seq 50); do [ -z "$(squeue --noheader 2>/dev/null)" ] && break; sleep 0.2; done
  fi
  for file in "$LAB"/slurmctld.pid "$LAB"/slurmd-*.pid "$LAB"/munged.pid; do
    [ -s "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  done
  exit 0
fi

mkdir -p "$LAB/state"
chmod 755 "$LAB"
getent hosts "$host" >/dev/null || echo "127.0.0.1 $host" >>/etc/hosts
(umask 077 && head -c 1024 /dev/urandom >"$LAB/munge.key")
chmod 400 "$LAB/munge.key"
munged --force --key-file="$LAB/munge.key" --socket="$LAB/munge.sock" --pid-file="$LAB/munged.pid" \
  --log-file="$LAB/munged.log" --seed-file="$LAB/munge.seed"
cat >"$SLURM_CONF" <<C
ClusterName=lab
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$LAB/munge.sock
SlurmctldPort=$PORT
StateSaveLocation=$LAB/state
SlurmdSpoolDir=$LAB/spool-%n
SlurmctldPidFile=$LAB/slurmctld.pid
SlurmdPidFile=$LAB/slurmd-%n.pid
SlurmctldLogFile=$LAB/slurmctld.log
SlurmdLogFile=$LAB/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SchedulerType=sched/backfill
SchedulerParameters=defer,batch_sched_delay=0,sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
KillWait=2
InactiveLimit=0
SlurmdTimeout=10
MinJobAge=3600
GresTypes=gpu
PartitionName=lab Nodes=ALL Default=YES MaxTime=INFINITE State=UP
C
: >"$LAB/gres.conf"
for n in $(seq 0 $((nodes - 1))); do
  mkdir -p "$LAB/spool-n$n"
  echo "NodeName=n$n NodeHostname=$host NodeAddr=127.0.0.1 Port=$((PORT + 1 + n)) CPUs=$cpus Gres=gpu:$gpus State=UNKNOWN" >>"$SLURM_CONF"
  i=0
  for device in /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty; do
    [ $i -lt "$gpus" ] || break
    echo "NodeName=n$n Name=gpu File=$device" >>"$LAB/gres.conf"
    i=$((i + 1))
  done
done
slurmctld -f "$SLURM_CONF"
for n in $(seq 0 $((nodes - 1))); do slurmd -N "n$n" -f "$SLURM_CONF"; done
for _ in $(seq 300); do
  [ "$(sinfo -h -N -o %t 2>/dev/null | grep -c '^idle$')" = "$nodes" ] && exit 0
  sleep 0.1
done
sinfo
tail -5 "$LAB"/*.log
exit 1
