using System.IO.Compression;

namespace Mdl.Generators.Tests.Support;

/// <summary>A folder outside of the repository with the packed Mdl package as a feed and its own package cache; gone after the tests.</summary>
public sealed class PackageFeed : IDisposable
{
    public PackageFeed()
    {
        Directory.CreateDirectory(Folder);
        var configuration = Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;
        var project = Path.Combine(Repository.Root, "Generators/Mdl.Package/Mdl.Package.csproj");

        // The test project has it built; building again could race with a build of the solution.
        Dotnet($"pack \"{project}\" --no-build -c {configuration} -o feed", ".");
        var cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages");
        Write("nuget.config",
            $"""
            <configuration>
              <packageSources>
                <clear />
                <add key="local" value="feed" />
                <add key="nuget.org" value="https://api.nuget.org/v3/index.json" />
              </packageSources>
              <fallbackPackageFolders>
                <clear />
                {(Directory.Exists(cache) ? $"<add key=\"cache\" value=\"{cache}\" />" : "")}
              </fallbackPackageFolders>
            </configuration>
            """);
    }

    public string Folder { get; } = Path.Combine(Path.GetTempPath(), "mdl-package-" + Path.GetRandomFileName());

    private string Package => Directory.GetFiles(Path.Combine(Folder, "feed"), "Mdl.*.nupkg").Single();

    /// <summary>The paths of the files in the package.</summary>
    public string[] PackageFiles()
    {
        using var package = ZipFile.OpenRead(Package);
        return [.. package.Entries.Select(entry => entry.FullName)];
    }

    /// <summary>A file in the package, by its path.</summary>
    public MemoryStream PackageFile(string path)
    {
        using var package = ZipFile.OpenRead(Package);
        using var file = package.GetEntry(path)!.Open();
        var copy = new MemoryStream();
        file.CopyTo(copy);
        return copy;
    }

    public string Nuspec()
    {
        using var reader = new StreamReader(new MemoryStream(PackageFile("Mdl.nuspec").ToArray()));
        return reader.ReadToEnd();
    }

    public void Write(string path, string text)
    {
        var full = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    /// <summary>Runs dotnet in a folder and fails with its output where it fails.</summary>
    public string Dotnet(string arguments, string folder)
    {
        var (exit, output) = TryDotnet(arguments, folder);
        return exit == 0 ? output : throw new InvalidOperationException($"dotnet {arguments}\n{output}");
    }

    public (int ExitCode, string Output) TryDotnet(string arguments, string folder) =>
        Tool.Run("dotnet", arguments, Path.Combine(Folder, folder), ("NUGET_PACKAGES", Path.Combine(Folder, "packages")));

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
