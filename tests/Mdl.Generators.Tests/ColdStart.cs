using System.Diagnostics;
using System.Globalization;
using Mdl.Compiler;
using Mdl.Compiler.Passes;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Syntax;

namespace Mdl.Generators.Tests;

/// <summary>Times the stages of one compilation in a fresh process, and then the whole of it once more, warm.</summary>
internal static class ColdStart
{
    public static int Measure(string path)
    {
        var source = new SourceText("ling.mdl", File.ReadAllText(path));
        var options = new CompileOptions("Models", EmitIlgpu: false);

        // The stages run in order, so each pays for its own machine code only; what the compiler does again of an earlier stage is warm by then.
        var parse = Time(() => MdlParser.Parse(source).Diagnostics.Count);
        var bind = Time(() => Binder.Bind(source, static _ => null).Models.Count);
        var passes = Time(Passes);
        var emit = Time(Compile);
        Console.WriteLine(Line("cold", parse, bind, passes, emit));

        var warm = Enumerable.Range(0, 5).Select(_ => (
            Parse: Time(() => MdlParser.Parse(source).Diagnostics.Count),
            Bind: Time(() => Binder.Bind(source, static _ => null).Models.Count),
            Passes: Time(Passes),
            All: Time(Compile))).MinBy(round => round.All);
        Console.WriteLine(Line("warm", warm.Parse, warm.Bind - warm.Parse, warm.Passes - warm.Bind, warm.All - warm.Passes));
        return 0;

        int Passes() => Binder.Bind(source, static _ => null).Models.Sum(model => CompilerPasses.Training(model, recomputeLayers: true).Graph.Nodes.Count);

        int Compile() => MdlCompiler.Compile(source, static _ => null, options, CancellationToken.None).Files.Count;
    }

    private static string Line(string kind, double parse, double bind, double passes, double emit) => string.Create(
        CultureInfo.InvariantCulture,
        $"{kind} parse {parse:F0} bind {bind:F0} differentiate {passes:F0} plan-and-emit {emit:F0} total {parse + bind + passes + emit:F0}");

    /// <summary>Milliseconds of a clock or of processor time, whichever is less: other processes must not count, and idle cores must not either.</summary>
    internal static double Time(Func<int> work)
    {
        var processor = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        GC.KeepAlive(work());
        return Math.Min(watch.Elapsed.TotalMilliseconds, (Environment.CpuUsage.TotalTime - processor).TotalMilliseconds);
    }
}
