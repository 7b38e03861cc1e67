namespace Mdl.Generators;

/// <summary>The names of the pipeline's steps, in order; tests compare the reasons for which each of them ran.</summary>
internal static class TrackingNames
{
    public const string Options = nameof(Options);
    public const string References = nameof(References);
    public const string Files = nameof(Files);
    public const string Places = nameof(Places);
    public const string Headers = nameof(Headers);
    public const string Index = nameof(Index);
    public const string Imported = nameof(Imported);
    public const string Units = nameof(Units);
    public const string Compiled = nameof(Compiled);
    public const string Classes = nameof(Classes);
    public const string Sources = nameof(Sources);
    public const string Diagnostics = nameof(Diagnostics);

    public static readonly string[] All =
        [Options, References, Files, Places, Headers, Index, Imported, Units, Compiled, Classes, Sources, Diagnostics];
}
