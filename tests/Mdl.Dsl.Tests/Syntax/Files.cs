namespace Mdl.Dsl.Tests.Syntax;

/// <summary>The <c>.mdl</c> files that the tests read.</summary>
internal static class Files
{
    public static SourceText Ling { get; } = Load("Samples/LingNano/ling.mdl");

    public static SourceText Moons { get; } = Load("Syntax/moons.mdl");

    private static SourceText Load(string path)
        => new(path, File.ReadAllText(Path.Combine(AppContext.BaseDirectory, path)).Replace("\r\n", "\n"));
}
