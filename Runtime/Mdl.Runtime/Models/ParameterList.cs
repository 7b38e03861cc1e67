using System.Collections;

namespace Mdl.Runtime.Models;

/// <summary>The parameters of each repetition of a block.</summary>
/// <typeparam name="T">The typed parameters of one repetition.</typeparam>
public readonly struct ParameterList<T> : IReadOnlyList<T>
{
    private readonly Func<int, T> _at;

    /// <summary>A list of <paramref name="count"/> repetitions.</summary>
    public ParameterList(int count, Func<int, T> at) => (Count, _at) = (count, at);

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public T this[int index] => (uint)index < (uint)Count
        ? _at(index)
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"there are {Count} repetitions");

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return _at(i);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
