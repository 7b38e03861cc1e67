namespace Mdl.Generators.Tests.Support;

/// <summary>Where the sources of this repository lie.</summary>
internal static class Repository
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string directory) =>
        File.Exists(Path.Combine(directory, "Compiler.sln"))
            ? directory
            : Find(Path.GetDirectoryName(directory) ?? throw new DirectoryNotFoundException("no Compiler.sln above the tests"));
}
