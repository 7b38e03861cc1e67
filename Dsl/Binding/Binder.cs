using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>From the text of one file to the graphs of its presets.</summary>
public static class Binder
{
    /// <summary>
    /// Binds a file. <paramref name="import"/> gives the text of a file by its path, resolved against the importing one, or null where there is none.
    /// Whatever the text, the result is a compilation; what is wrong is in its diagnostics, and each preset without an error has its model.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Compilation Bind(SourceText source, Func<string, SourceText?> import, CancellationToken cancellation = default)
    {
        var parsed = MdlParser.Parse(source, cancellation);
        var module = parsed.File.Module?.Text ?? "";
        var session = new Session(cancellation);
        try
        {
            var root = new Source(source, isLibrary: false, parsed.Diagnostics);
            DeclarationLoader.Load(parsed, root, import, session);
            var models = PresetBinder.Bind(parsed.File, root, session);
            var diffusions = DiffusionBinder.Bind(parsed.File, models.Select(m => m.ClassName), root, session);
            UnusedBlocks.Check(parsed.File, root, session);
            var all = parsed.Diagnostics.Concat(session.Diagnostics).ToEquatableArray();
            return new(module, models, all) { Diffusions = diffusions };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var fault = InternalError.Describe(e, source.Path, new Span(0, Math.Min(1, source.Text.Length)));
            return new(module, [], parsed.Diagnostics.Concat(session.Diagnostics).Append(fault).ToEquatableArray());
        }
    }
}

/// <summary>A fault of the compiler, told as a diagnostic so that a build says where it happened.</summary>
internal static class InternalError
{
    public static Diagnostic Describe(Exception fault, string path, Span span) =>
        new(DiagnosticIds.InternalError, Severity.Error, Message(fault, path), path, span);

    public static string Message(Exception fault, string path) =>
        $"internal error of the compiler in {path}, please report it with the file: {fault.GetType().Name}: {fault.Message}";
}
