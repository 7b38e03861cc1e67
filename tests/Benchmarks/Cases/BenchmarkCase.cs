using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks.Cases;

/// <summary>Something that can be measured.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Run">Measures it.</param>
internal sealed record BenchmarkCase(string Name, Func<BenchmarkContext, IEnumerable<Row>> Run)
{
    /// <summary>All of them, in the order of the report.</summary>
    public static IReadOnlyList<BenchmarkCase> All { get; } =
    [
        new("train", TrainCase.Run),
        new("gemm", GemmCase.Run),
        new("kernels", LargeKernelCase.Run),
        new("row", RowTimesMatrixCase.Run),
        new("mixture", MixtureCase.Run),
        new("score", KernelScoreCase.Run),
        new("sampler", LearnedSamplerCase.Run),
        new("memory", MemoryCase.Run),
        new("startup", StartupCase.Run),
        new("allocations", AllocationCase.Run),
        new("decode", DecodeCase.Run),
        new("serving", ServingCase.Run),
        new("load", LoadCase.Run),
        new("generator", GeneratorCase.Run),
    ];
}
