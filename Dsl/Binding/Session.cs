using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>What the elaborations of one file share: its declarations, its diagnostics and its limits.</summary>
internal sealed class Session(CancellationToken cancellation)
{
    private readonly HashSet<(string Path, Span Span)> _places = [];
    private readonly List<Diagnostic> _diagnostics = [];

    /// <summary>A session of its own for one preset, which may be bound while others are; both see the declarations, which must not change any more.</summary>
    private Session(Session parent)
        : this(parent.Cancellation)
    {
        Declarations = parent.Declarations;
        Lost = parent.Lost;
    }

    /// <summary>Declarations of the file and of what it imports.</summary>
    public Dictionary<string, Declaration> Declarations { get; } = new(StringComparer.Ordinal);

    /// <summary>Training settings of imported files, in the order of the imports.</summary>
    public List<(TrainSyntax Train, Source Source)> ImportedTrains { get; } = [];

    /// <summary>Checkpoints of imported files, in the order of the imports.</summary>
    public List<(CheckpointSyntax Checkpoint, Source Source)> ImportedCheckpoints { get; } = [];

    /// <summary>Names that are not declared because of an error that has been reported already.</summary>
    public HashSet<string> Lost { get; } = new(StringComparer.Ordinal);

    /// <summary>Declarations that some preset has elaborated with real sizes.</summary>
    public HashSet<object> Reached { get; } = new(ReferenceComparer.Instance);

    public IReadOnlyList<Diagnostic> Diagnostics => _diagnostics;

    public CancellationToken Cancellation { get; } = cancellation;

    /// <summary>What a name means in a text: the library sees only itself, so that no file can change what its blocks compute.</summary>
    public Declaration? Find(string name, Source from) =>
        !from.IsLibrary && Declarations.TryGetValue(name, out var own) ? own
        : StandardLibrary.Declarations.TryGetValue(name, out var shared) ? shared
        : null;

    public IEnumerable<string> Names => Declarations.Keys.Concat(StandardLibrary.Declarations.Keys);

    /// <summary>Presets share blocks: what is wrong at one place is said once, with the sizes of the first preset.</summary>
    public void Report(string id, Source source, Span span, string message, Severity severity = Severity.Error)
    {
        var end = source.Text.Text.Length;
        var start = Math.Min(Math.Max(span.Start, 0), end);
        var place = new Span(start, Math.Min(Math.Max(span.Length, 0), end - start));
        Add(new(id, severity, message, source.Text.Path, place));
    }

    /// <summary>A session whose findings <see cref="Join"/> brings here.</summary>
    public Session Fork() => new(this);

    /// <summary>Takes over what a fork has found, as if it had been found here.</summary>
    /// <param name="fork">The fork.</param>
    /// <param name="suffix">What to put after a message.</param>
    public void Join(Session fork, Func<Diagnostic, string> suffix)
    {
        foreach (var diagnostic in fork._diagnostics)
        {
            Add(diagnostic with { Message = diagnostic.Message + suffix(diagnostic) });
        }

        Reached.UnionWith(fork.Reached);
    }

    private void Add(Diagnostic diagnostic)
    {
        if (_places.Add((diagnostic.Path, diagnostic.Span)))
        {
            _diagnostics.Add(diagnostic);
        }
    }
}

/// <summary>Syntax nodes compare by content; as keys of a set they are meant as places.</summary>
internal sealed class ReferenceComparer : IEqualityComparer<object>
{
    public static ReferenceComparer Instance { get; } = new();

    bool IEqualityComparer<object>.Equals(object? x, object? y) => ReferenceEquals(x, y);

    public int GetHashCode(object obj) => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(obj);
}
