namespace Mdl.Dsl;

/// <summary>What a diagnostic id stands for. The category groups ids in build logs: "Mdl.Syntax", "Mdl.Binding".</summary>
public sealed record DiagnosticKind(string Id, string Title, string Category);

/// <summary>The ids of all diagnostics. MDL0001 to MDL0099 come from reading a file, MDL0100 and up from binding it.</summary>
public static partial class DiagnosticIds
{
    public const string UnexpectedToken = "MDL0001";
    public const string UnexpectedCharacter = "MDL0002";
    public const string UnterminatedString = "MDL0003";
    public const string UnterminatedComment = "MDL0004";
    public const string NumberOutOfRange = "MDL0005";
    public const string NestedTooDeeply = "MDL0006";
    public const string NotSupportedYet = "MDL0007";
    public const string TooManyErrors = "MDL0008";
    public const string UnknownEscape = "MDL0009";
    public const string ChainedComparison = "MDL0010";
    public const string Misplaced = "MDL0011";

    /// <summary>Every diagnostic there is, by id.</summary>
    public static EquatableArray<DiagnosticKind> All { get; } =
    [
        new(UnexpectedToken, "Something else was expected here", "Mdl.Syntax"),
        new(UnexpectedCharacter, "The language has no such character", "Mdl.Syntax"),
        new(UnterminatedString, "A string must end on its line", "Mdl.Syntax"),
        new(UnterminatedComment, "A comment must end", "Mdl.Syntax"),
        new(NumberOutOfRange, "The number is too large", "Mdl.Syntax"),
        new(NestedTooDeeply, "Nested too deeply", "Mdl.Syntax"),
        new(NotSupportedYet, "Not supported yet", "Mdl.Syntax"),
        new(TooManyErrors, "Too many errors in one file", "Mdl.Syntax"),
        new(UnknownEscape, "Unknown escape in a string", "Mdl.Syntax"),
        new(ChainedComparison, "Comparisons do not chain", "Mdl.Syntax"),
        new(Misplaced, "'module' and 'import' come before all declarations", "Mdl.Syntax"),
        .. Binding,
    ];
}
