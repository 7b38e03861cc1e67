using System.Runtime.Intrinsics.X86;
using Mdl.Runtime.Assembly;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>Every set of micro-kernels that this machine can run.</summary>
public static class KernelSets
{
    public static TheoryData<string> All => Names();

    public static Team Team(string name, int threads) => new(threads, Create(name));

    private static TheoryData<string> Names()
    {
        var names = new TheoryData<string>("portable 512", "portable 256", "portable 128");
        if (Avx512F.IsSupported)
        {
            // This processor takes one of the two.
            names.Add("assembled 512, broadcasts apart");
            names.Add("assembled 512, broadcasts in multiply-adds");
        }

        if (Avx2.IsSupported && Fma.IsSupported)
        {
            names.Add("assembled 256");
        }

        return names;
    }

    private static MicroKernels Create(string name) => name switch
    {
        "assembled 512, broadcasts apart" => AssembledKernels.TryCreate(new AnyAvx512(false))!,
        "assembled 512, broadcasts in multiply-adds" => AssembledKernels.TryCreate(new AnyAvx512(true))!,
        "assembled 256" => AssembledKernels.TryCreate(new Avx2Family())!,
        _ => PortableKernels.Create(int.Parse(name.Split(' ')[1])),
    };

    private sealed class AnyAvx512(bool broadcastsFromMemory) : Avx512Family
    {
        public override bool BroadcastsFromMemory => broadcastsFromMemory;
    }
}
