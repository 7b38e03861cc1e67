using System.Runtime.InteropServices;

namespace Mdl.Runtime.Data;

/// <summary>
/// The API documentation that every .NET SDK brings along, <c>packs/*/ref/*/*.xml</c>: some thirteen megabytes of plain English about code. Each text that
/// members share, as overloads do, is taken once, so that no held-out member stands word for word in the training part.
/// </summary>
internal static class SdkDocumentation
{
    /// <summary>The text of each documentation file, in ordinal order of the files' names.</summary>
    /// <exception cref="TextCorpusException">There is no SDK with documentation.</exception>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Load(long limit)
    {
        var files = Files();
        var texts = new Memory<byte>[files.Count];
        Parallel.For(0, files.Count, i => texts[i] = DocumentationText.Of(TextFile.Read(files[i], Array.MaxLength)));

        var seen = new HashSet<ulong>();
        var documents = new List<ReadOnlyMemory<byte>>();
        long size = 0;
        foreach (var text in texts)
        {
            var document = MemberFilter.WithoutRepetitions(text, seen);
            document = document[..(int)Math.Min(document.Length, limit - size)];
            documents.Add(document);
            size += document.Length;
        }

        return documents;
    }

    private static List<string> Files()
    {
        var roots = Roots().Distinct(StringComparer.Ordinal).ToList();
        foreach (var root in roots)
        {
            var files = FilesUnder(Path.Combine(root, "packs"));
            if (files.Count > 0)
            {
                return files;
            }
        }

        throw new TextCorpusException(
            $"The .NET SDK's API documentation (packs/*/ref/*/*.xml) is not under {string.Join(" or ", roots)}; name a text file or folder instead.");
    }

    private static IEnumerable<string> Roots()
    {
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } variable)
        {
            yield return variable;
        }

        // The runtime lies in <root>/shared/Microsoft.NETCore.App/<version>/, unless the program brought its own.
        yield return Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        if (OperatingSystem.IsWindows())
        {
            yield return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "dotnet");
        }
        else
        {
            yield return "/usr/share/dotnet";
            yield return "/usr/lib/dotnet";
            yield return "/usr/local/share/dotnet";
        }
    }

    // Packs contain copies of each other's files, and there may be several versions of one: each name counts once, from the newest version.
    private static List<string> FilesUnder(string packs)
    {
        if (!Directory.Exists(packs))
        {
            return [];
        }

        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var pack in Directory.GetDirectories(packs).Order(StringComparer.Ordinal))
        {
            var newest = Directory.GetDirectories(pack).OrderByDescending(Version).ThenByDescending(d => d, StringComparer.Ordinal).FirstOrDefault();
            var references = newest is null ? null : Path.Combine(newest, "ref");
            if (references is null || !Directory.Exists(references))
            {
                continue;
            }

            foreach (var file in Directory.GetFiles(references, "*.xml", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                files.TryAdd(Path.GetFileName(file), file);
            }
        }

        return [.. files.Values];
    }

    private static Version Version(string folder) =>
        System.Version.TryParse(Path.GetFileName(folder).Split('-')[0], out var version) ? version : new Version();
}
