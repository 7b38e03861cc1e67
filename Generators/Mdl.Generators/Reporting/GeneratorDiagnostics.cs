using System.Globalization;
using Mdl.Dsl;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Mdl.Generators.Reporting;

/// <summary>What the generator itself has to say, beside the language's own diagnostics.</summary>
internal static class GeneratorDiagnostics
{
    /// <summary>Generated code uses collection expressions and static abstract members.</summary>
    public const LanguageVersion LowestLanguageVersion = LanguageVersion.CSharp12;

    public static readonly DiagnosticDescriptor Unreadable = new(
        "MDL0901",
        "A file cannot be read",
        "'{0}' cannot be read",
        "Mdl",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Descriptors.HelpLink("MDL0901"),
        customTags: WellKnownDiagnosticTags.NotConfigurable);

    public static readonly DiagnosticDescriptor Unsafe = new(
        "MDL0902",
        "Unsafe code is switched off",
        "Generated models work on pointers: remove AllowUnsafeBlocks from the project or set it to true",
        "Mdl",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Descriptors.HelpLink("MDL0902"),
        customTags: WellKnownDiagnosticTags.NotConfigurable);

    public static readonly DiagnosticDescriptor Language = new(
        "MDL0903",
        "The C# version is too low",
        "Generated models need C# {0}, but the project compiles as C# {1}",
        "Mdl",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Descriptors.HelpLink("MDL0903"),
        customTags: WellKnownDiagnosticTags.NotConfigurable);

    public static readonly DiagnosticDescriptor ClassClash = new(
        "MDL0904",
        "Two files make the same class",
        "'{0}' makes the class '{1}' already: rename the preset or the model, or give one of the files another module",
        "Mdl",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Descriptors.HelpLink("MDL0904"),
        customTags: WellKnownDiagnosticTags.NotConfigurable);

    /// <summary>An exception in the compiler or the generator.</summary>
    public static LocatedDiagnostic Fault(string path, Exception exception) => new(
        DiagnosticIds.InternalError,
        Severity.Error,
        $"internal error of the compiler in {path}, please report it with the file: {exception.GetType().Name}: {exception.Message.Split('\r', '\n')[0]}",
        path,
        default,
        default,
        default);

    public static string Message(DiagnosticDescriptor descriptor, params string[] arguments) =>
        string.Format(CultureInfo.InvariantCulture, descriptor.MessageFormat.ToString(CultureInfo.InvariantCulture), arguments);

    /// <summary>A diagnostic about a file as a whole.</summary>
    public static LocatedDiagnostic AtStart(DiagnosticDescriptor descriptor, string path, params string[] arguments) => new(
        descriptor.Id,
        Severity.Error,
        Message(descriptor, arguments),
        path,
        default,
        default,
        default);
}
