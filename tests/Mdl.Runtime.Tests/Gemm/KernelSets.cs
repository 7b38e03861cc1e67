using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>Every set of micro-kernels that this machine can run.</summary>
public static class KernelSets
{
    public static TheoryData<string> All => ["portable 512", "portable 256", "portable 128"];

    public static Team Team(string name, int threads) => new(threads, Create(name));

    private static MicroKernels Create(string name) => PortableKernels.Create(int.Parse(name.Split(' ')[1]));
}
