using Mdl.Benchmarks.Workers;
using Mdl.Compiler;
using Mdl.Dsl;

namespace Mdl.Benchmarks.Own;

/// <summary>Compiles ling.mdl, with its four presets, to C# text.</summary>
internal sealed class Compilation
{
    private readonly string _text;
    private int _edits;

    public Compilation()
    {
        using var reader = new StreamReader(typeof(Compilation).Assembly.GetManifestResourceStream("ling.mdl")!);
        _text = reader.ReadToEnd();
    }

    /// <summary>Seconds from the text to the C#. Each call sees another text, as after an edit.</summary>
    public double Time()
    {
        var source = new SourceText("ling.mdl", $"{_text}\n// edit {_edits++}\n");
        CompileResult? result = null;
        var seconds = WorkerLoop.Seconds(() => result = MdlCompiler.Compile(source, _ => null, new CompileOptions("Ling", EmitIlgpu: false), default));
        return result!.Diagnostics.FirstOrDefault(d => d.Severity == Severity.Error) is { } error
            ? throw new InvalidOperationException($"ling.mdl does not compile: {error}")
            : seconds;
    }
}
