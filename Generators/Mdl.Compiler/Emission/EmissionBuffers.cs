using Mdl.Compiler.Planning;

namespace Mdl.Compiler.Emission;

/// <summary>Writers and sets that files and kernels use one after the other, so that their memory is taken once. For one thread at a time.</summary>
internal sealed class EmissionBuffers : IDisposable
{
    private readonly Stack<HashSet<Place>> _places = [];

    public CodeWriter File { get; } = new();

    /// <summary>Statements that are known before what stands above them.</summary>
    public CodeWriter Statements { get; } = new();

    /// <summary>The structs of the file's kernels.</summary>
    public CodeWriter Kernels { get; } = new();

    /// <summary>Clears the partial sums of a kernel.</summary>
    public CodeWriter Sums { get; } = new();

    /// <summary>The body of a kernel's loop over rows.</summary>
    public CodeWriter Row { get; } = new();

    /// <summary>The loops over columns of one pass.</summary>
    public CodeWriter Loops { get; } = new();

    /// <summary>The body of one loop over columns.</summary>
    public CodeWriter Loop { get; } = new();

    /// <summary>An empty set for a walk over an expression; walks begin others.</summary>
    public HashSet<Place> TakePlaces() => _places.Count > 0 ? _places.Pop() : [];

    /// <summary>Takes a set back.</summary>
    public void Return(HashSet<Place> places)
    {
        places.Clear();
        _places.Push(places);
    }

    public void Dispose()
    {
        foreach (var writer in new[] { File, Statements, Kernels, Sums, Row, Loops, Loop })
        {
            writer.Dispose();
        }
    }
}
