using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Mdl.Generators.Inputs;

/// <summary>What the project's properties say, as values.</summary>
/// <param name="RootNamespace">The namespace for files without a module line.</param>
/// <param name="AllowUnsafe">False only if the project says so: generated code has pointers.</param>
/// <param name="LanguageVersion">The C# version of the project.</param>
/// <param name="LiveDiagnostics">True in an editor, where the analyzer reports instead of the generator.</param>
internal sealed record ProjectOptions(string RootNamespace, bool AllowUnsafe, LanguageVersion LanguageVersion, bool LiveDiagnostics)
{
    // The driver puts sources into a folder for the assembly, one for the generator, and the one that hint names begin with.
    private const string Up = "../../../";

    /// <summary>The project's folder as seen from the folder of a generated file, if the build tells.</summary>
    public string? SourceFolder { get; init; }

    public static ProjectOptions Read(AnalyzerConfigOptions global, ParseOptions parse) => new(
        Property(global, "RootNamespace") is { Length: > 0 } name ? name : "Models",
        !IsFalse(Property(global, "AllowUnsafeBlocks")),
        parse is CSharpParseOptions csharp ? csharp.LanguageVersion : LanguageVersion.Default,
        IsLive(global))
    {
        SourceFolder = Property(global, "MdlSourceFolder") is { Length: > 0 } folder ? Up + folder.Replace('\\', '/') : null,
    };

    /// <summary>The switch <c>MdlEnabled</c>; anything but "false" means yes.</summary>
    public static bool IsEnabled(AnalyzerConfigOptions global) => !IsFalse(Property(global, "MdlEnabled"));

    /// <summary>The key is set by a configuration file that the build adds for editors only; see docs/decisions/0001-who-reports-diagnostics.md.</summary>
    public static bool IsLive(AnalyzerConfigOptions global) =>
        global.TryGetValue("mdl_live_diagnostics", out var value) && string.Equals(value, "true", StringComparison.OrdinalIgnoreCase);

    public static string Property(AnalyzerConfigOptions global, string name) =>
        global.TryGetValue("build_property." + name, out var value) ? value : "";

    private static bool IsFalse(string value) => string.Equals(value, "false", StringComparison.OrdinalIgnoreCase);
}
