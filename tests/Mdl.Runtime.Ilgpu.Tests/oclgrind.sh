#!/usr/bin/env bash
# Runs the kernels of the named models under Oclgrind, and prints each report and, last, their number.
# Usage: oclgrind.sh races|values PROGRAM MODEL...
# races looks for accesses that threads do not order; values for reads of what nobody wrote, for one model at a time, as Oclgrind 21.10 mixes up buffers
# with those freed before. Both find accesses out of bounds.
set -uo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
check=$1
shift
if [ "$check" = values ]; then
    # Oclgrind 21.10 loses track of values that loops carry in registers, and then computes wrong results as well: without optimisation there are none.
    search=--uninitialized
    optimisation=-O0
else
    search=--data-races
    optimisation=-Oz
fi
# Kernels point to global memory only, and ILGPU 1.5 names the wrong memory in its barriers: CLK_GLOBAL_MEM_FENCE, also where groups share memory.
# One thread: with several, Oclgrind 21.10 computes wrong results.
oclgrind $search --check-api --num-threads 1 \
    --build-options "$optimisation -D__generic=__global -Dwork_group_barrier(x)=barrier(CLK_LOCAL_MEM_FENCE|CLK_GLOBAL_MEM_FENCE)" "$@" >"$log" 2>&1
status=$?
# ILGPU asks devices for properties that Oclgrind does not know: two questions, which are no faults of a kernel.
awk '/Oclgrind - OpenCL runtime error/ { getline place; getline error; if (place !~ /clGetDeviceInfo/) { print; print place; print error; reports++ }; next }
     /[Uu]ninitialized|[Dd]ata race|Invalid (read|write)|OCLGRIND FATAL|Work-group divergence/ { reports++ }
     { print }
     END { printf "%d reports\n", reports }' "$log"
exit $status
