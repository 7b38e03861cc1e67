using Mdl.Dsl;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Mdl.Generators.Inputs;

/// <summary>
/// Where a file lies on this machine and how severe its author wants diagnostics: needed to report them, and kept away from everything that is emitted.
/// </summary>
internal sealed record FilePlace(string Path, string AbsolutePath, EquatableArray<FileSeverity> Severities)
{
    public static FilePlace Read(AdditionalText text, AnalyzerConfigOptionsProvider options) => new(
        ProjectPath.Relative(ProjectOptions.Property(options.GlobalOptions, "ProjectDir"), text.Path),
        text.Path,
        FileSeverity.Read(options.GetOptions(text)));
}

/// <summary><c>mdl_diagnostic.MDL0123.severity = none</c> from a <c>[*.mdl]</c> section of an .editorconfig.</summary>
internal sealed record FileSeverity(string Id, string Value)
{
    private const string Prefix = "mdl_diagnostic.";
    private const string Suffix = ".severity";

    public static EquatableArray<FileSeverity> Read(AnalyzerConfigOptions options)
    {
        var found = new List<FileSeverity>();
        foreach (var key in options.Keys)
        {
            if (key.Length > Prefix.Length + Suffix.Length
                && key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
                && key.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase)
                && options.TryGetValue(key, out var value))
            {
                var id = key.Substring(Prefix.Length, key.Length - Prefix.Length - Suffix.Length);
                found.Add(new(id.ToUpperInvariant(), value.Trim().ToLowerInvariant()));
            }
        }

        return found.OrderBy(severity => severity.Id, StringComparer.Ordinal).ToEquatableArray();
    }
}
