using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Mdl.Generators.Inputs;

/// <summary>One <c>.mdl</c> file as values. Text is null where the host cannot read the file.</summary>
internal sealed record MdlFile(string Path, string? Text)
{
    public static bool IsMdl(string path) => path.EndsWith(".mdl", StringComparison.OrdinalIgnoreCase);

    public static MdlFile Read(AdditionalText text, AnalyzerConfigOptions global, CancellationToken token) =>
        new(ProjectPath.Relative(ProjectOptions.Property(global, "ProjectDir"), text.Path), text.GetText(token)?.ToString());
}
