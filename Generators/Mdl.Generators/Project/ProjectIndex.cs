using Mdl.Dsl;

namespace Mdl.Generators.Project;

/// <summary>A file in the index: Stem is the part of its hint names that is its own, unique in the project whatever the case.</summary>
internal sealed record IndexEntry(string Path, string Stem, EquatableArray<string> Imports);

/// <summary>Who imports whom: paths only, no texts, sorted, so that it changes only when a file comes, goes or changes its imports.</summary>
internal sealed record ProjectIndex(EquatableArray<IndexEntry> Entries)
{
    public static ProjectIndex Create(IEnumerable<FileHeader> headers)
    {
        var stems = new HintNames();
        return new(headers
            .OrderBy(header => header.Path, StringComparer.Ordinal)
            .Select(header => new IndexEntry(header.Path, stems.Stem(header.Path), header.Imports))
            .ToEquatableArray());
    }

    public bool IsImported(string path) => Entries.Any(entry => entry.Path != path && entry.Imports.Contains(path));

    public IndexEntry? Find(string path) => Entries.FirstOrDefault(entry => entry.Path == path);

    /// <summary>The paths of existing files that a file imports, directly or through others, itself excluded; sorted.</summary>
    public IReadOnlyList<string> Closure(string path)
    {
        var reached = new SortedSet<string>(StringComparer.Ordinal);
        var open = new Stack<string>([path]);
        while (open.Count > 0)
        {
            foreach (var import in Find(open.Pop())?.Imports ?? [])
            {
                if (import != path && Find(import) is not null && reached.Add(import))
                {
                    open.Push(import);
                }
            }
        }

        return [.. reached];
    }
}
