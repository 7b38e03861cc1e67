using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks.Cases;

/// <summary>
/// Compiling ling.mdl with its four presets to C# text: the first time in fresh processes, and again after edits in one of them. A compiler that has
/// just started is compiled itself beside its work for the first hundred edits or so; what an edit costs then, and for good, are two rows.
/// </summary>
internal static class GeneratorCase
{
    private const int Early = 20;
    private const int Settled = 120;
    private const int Edits = 20;
    private const double ColdTarget = 800;
    private const double WarmTarget = 100;

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        var cold = new List<double>();
        var warm = new List<double>();
        for (var round = 0; round < context.Rounds; round++)
        {
            using var own = context.StartCompiler();
            cold.Add(own.Ask("compile")[0]);
            if (round == context.Rounds - 1)
            {
                for (var i = 0; i < Settled + Edits; i++)
                {
                    warm.Add(own.Ask("compile")[0]);
                }
            }
        }

        yield return Judge("compiling ling.mdl, cold", 1e3 * cold.Median(), ColdTarget);
        yield return Judge($"compiling ling.mdl, after {Early} edits", 1e3 * warm.Skip(Early).Take(Edits).Median(), WarmTarget);
        yield return Judge("compiling ling.mdl, warm", 1e3 * warm.Skip(Settled).Median(), WarmTarget);
    }

    private static Row Judge(string what, double milliseconds, double target) =>
        new(what, "ms", milliseconds) { Target = $"{target} ms", Reached = milliseconds < target };
}
