#!/usr/bin/env bash
# Builds the benchmarks and the libtorch peer, and runs them. The first build downloads libtorch, more than a gigabyte.
# tests/Benchmarks/run.sh --help lists what can be chosen.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for project in Benchmarks Benchmarks.Libtorch; do
    dotnet build -c Release --nologo -v quiet "$here/../$project/$project.csproj"
done
exec dotnet "$here/bin/Release/net10.0/Benchmarks.dll" "$@"
