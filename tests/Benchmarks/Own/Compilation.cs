using Mdl.Benchmarks.Workers;
using Mdl.Compiler;
using Mdl.Dsl;

namespace Mdl.Benchmarks.Own;

/// <summary>Compiles ling.mdl, with its four presets, to C# text.</summary>
internal sealed class Compilation
{
    // A number in the body of the router, which all presets use.
    private const string Edited = "scale: 2.5";

    private readonly string _text;
    private int _edits;

    public Compilation()
    {
        using var reader = new StreamReader(typeof(Compilation).Assembly.GetManifestResourceStream("ling.mdl")!);
        _text = reader.ReadToEnd();
        if (!_text.Contains(Edited, StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"ling.mdl says no more `{Edited}`, which is edited between compilations");
        }
    }

    /// <summary>Seconds from the text to the C#. Each call sees another number in the router, so that the graphs of all presets are other ones.</summary>
    public double Time()
    {
        var source = new SourceText("ling.mdl", _text.Replace(Edited, FormattableString.Invariant($"{Edited}{_edits++}"), StringComparison.Ordinal));
        CompileResult? result = null;
        var seconds = WorkerLoop.Seconds(() => result = MdlCompiler.Compile(source, _ => null, new CompileOptions("Ling", EmitIlgpu: false), default));
        return result!.Diagnostics.FirstOrDefault(d => d.Severity == Severity.Error) is { } error
            ? throw new InvalidOperationException($"ling.mdl does not compile: {error}")
            : seconds;
    }
}
