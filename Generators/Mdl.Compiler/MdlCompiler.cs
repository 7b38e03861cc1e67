using Mdl.Compiler.Emission;
using Mdl.Compiler.Emission.Ilgpu;
using Mdl.Dsl;
using Mdl.Dsl.Binding;

namespace Mdl.Compiler;

/// <summary>Compiles <c>.mdl</c> text to C#.</summary>
public static class MdlCompiler
{
    /// <summary>Compiles one file. A mistake in it is a diagnostic, never an exception.</summary>
    /// <param name="source">The file.</param>
    /// <param name="import">The text of an imported file by its path as <see cref="ModulePath.Resolve"/> gives it, or null if there is none.</param>
    /// <param name="options">What the project decides.</param>
    /// <param name="cancellation">Checked between passes.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was triggered.</exception>
    public static CompileResult Compile(SourceText source, Func<string, SourceText?> import, CompileOptions options, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var compilation = Binder.Bind(source, import, cancellation);
        var ns = compilation.Module.Length > 0 ? compilation.Module : options.Namespace;
        var written = Naming.Namespace(ns);
        var diffusions = compilation.Diffusions.Select(d => new Func<EmissionBuffers, GeneratedFile[]>(buffers => DiffusionEmitter.Files(buffers, d, written, options, cancellation)));
        var files = ParallelParts.Run([.. ModelEmitter.Parts(compilation.Models, written, options, cancellation), .. diffusions], () => new EmissionBuffers());
        var limits = options.EmitIlgpu ? compilation.Models.SelectMany(IlgpuLimits.Diagnostics) : [];
        return new(files.SelectMany(f => f).ToEquatableArray(), compilation.Diagnostics.Concat(limits).ToEquatableArray())
        {
            Classes = compilation.Models.Select(m => new GeneratedClass(ns, m.ClassName, m.NameSpan))
                .Concat(compilation.Diffusions.Select(d => new GeneratedClass(ns, d.ClassName, d.NameSpan))).ToEquatableArray(),
        };
    }
}
