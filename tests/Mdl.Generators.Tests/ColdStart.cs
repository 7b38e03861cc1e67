using System.Diagnostics;
using System.Globalization;
using Mdl.Compiler;
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
        var emit = Time(() => Compile());
        var warm = Enumerable.Range(0, 20).Select(_ => Time(() => Compile())).Min();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"parse {parse:F0} bind {bind:F0} emit {emit:F0} total {parse + bind + emit:F0} warm {warm:F1}"));
        return 0;

        int Compile() => MdlCompiler.Compile(source, static _ => null, options, CancellationToken.None).Files.Count;
    }

    private static double Time(Func<int> work)
    {
        var watch = Stopwatch.StartNew();
        GC.KeepAlive(work());
        return watch.Elapsed.TotalMilliseconds;
    }
}
