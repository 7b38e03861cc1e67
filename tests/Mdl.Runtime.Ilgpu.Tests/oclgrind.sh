#!/usr/bin/env bash
# Runs the kernels of the named models under Oclgrind, and prints each report and, last, their number.
# Usage: oclgrind.sh PROGRAM MODEL...
set -uo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Kernels point to global memory only, and ILGPU 1.5 names the wrong memory in its barriers: CLK_GLOBAL_MEM_FENCE, also where groups share memory.
# One thread: with several, Oclgrind 21.10 computes wrong results. No --uninitialized: it takes the fields of structs among a kernel's arguments for unwritten.
oclgrind --data-races --check-api --num-threads 1 \
    --build-options '-D__generic=__global -Dwork_group_barrier(x)=barrier(CLK_LOCAL_MEM_FENCE|CLK_GLOBAL_MEM_FENCE)' "$@" >"$log" 2>&1
status=$?
# ILGPU asks devices for properties that Oclgrind does not know: two questions, which are no faults of a kernel.
awk '/Oclgrind - OpenCL runtime error/ { getline place; getline error; if (place !~ /clGetDeviceInfo/) { print; print place; print error; reports++ }; next }
     /Uninitialized value|[Dd]ata race|Invalid (read|write)|OCLGRIND FATAL|Work-group divergence/ { reports++ }
     { print }
     END { printf "%d reports\n", reports }' "$log"
exit $status
