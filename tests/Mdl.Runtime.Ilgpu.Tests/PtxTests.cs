using System.Text.RegularExpressions;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using Mdl.Runtime.Ilgpu.Tests.Support;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>Every kernel becomes PTX for NVIDIA's devices. That needs none of them, and shows nothing about how it runs there.</summary>
public sealed partial class PtxTests
{
    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    public void Every_kernel_compiles(int major)
    {
        var architecture = new CudaArchitecture(major, 0);
        using var context = Context.Create(builder => builder.DefaultCPU());
        using var backend = new PTXBackend(context, new CudaCapabilityContext(architecture), architecture, CudaInstructionSet.ISA_80, null);
        Assert.True(KernelList.All.Count > 400, $"only {KernelList.All.Count} kernels were found");
        foreach (var kernel in KernelList.All)
        {
            var entry = EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
            var ptx = ((PTXCompiledKernel)backend.Compile(entry, new KernelSpecialization())).PTXAssembly;
            Assert.Contains(".entry", ptx, StringComparison.Ordinal);
            Assert.False(Atomics().IsMatch(ptx), $"{kernel.DeclaringType} has atomics");
            Assert.False(Shuffles().IsMatch(ptx), $"{kernel.DeclaringType} depends on the width of warps");
            // More than 48 KB must be asked for in a way that ILGPU does not know.
            Assert.InRange(SharedBytes().Matches(ptx).Sum(m => int.Parse(m.Groups[1].Value, null)), 0, 48 * 1024);
        }
    }

    [GeneratedRegex(@"\b(atom|red)\.")]
    private static partial Regex Atomics();

    [GeneratedRegex(@"\bshfl\.")]
    private static partial Regex Shuffles();

    [GeneratedRegex(@"\.shared[^;\[]*\[(\d+)\]")]
    private static partial Regex SharedBytes();
}
