using System.Collections;
using System.Runtime.CompilerServices;

namespace Mdl.Dsl;

/// <summary>An immutable array that compares by its elements, so that records holding one compare by value.</summary>
[CollectionBuilder(typeof(EquatableArray), nameof(EquatableArray.Create))]
public readonly struct EquatableArray<T> : IEquatable<EquatableArray<T>>, IReadOnlyList<T>
{
    private readonly T[]? _items;

    public EquatableArray(IEnumerable<T> items) => _items = items.ToArray();

    internal EquatableArray(T[] items) => _items = items;

    private T[] Items => _items ?? [];

    public int Count => Items.Length;

    public T this[int index] => Items[index];

    public bool Equals(EquatableArray<T> other)
    {
        var (left, right) = (Items, other.Items);
        if (ReferenceEquals(left, right))
        {
            return true;
        }

        if (left.Length != right.Length)
        {
            return false;
        }

        var comparer = EqualityComparer<T>.Default;
        for (var i = 0; i < left.Length; i++)
        {
            if (!comparer.Equals(left[i], right[i]))
            {
                return false;
            }
        }

        return true;
    }

    public override bool Equals(object? obj) => obj is EquatableArray<T> other && Equals(other);

    public override int GetHashCode()
    {
        var hash = 17;
        foreach (var item in Items)
        {
            hash = unchecked(hash * 31 + (item?.GetHashCode() ?? 0));
        }

        return hash;
    }

    public static bool operator ==(EquatableArray<T> left, EquatableArray<T> right) => left.Equals(right);

    public static bool operator !=(EquatableArray<T> left, EquatableArray<T> right) => !left.Equals(right);

    public Enumerator GetEnumerator() => new(Items);

    IEnumerator<T> IEnumerable<T>.GetEnumerator() => ((IEnumerable<T>)Items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => Items.GetEnumerator();

    public EquatableArray<T> SetItem(int index, T item)
    {
        var copy = (T[])Items.Clone();
        copy[index] = item;
        return new(copy);
    }

    public bool Contains(T item) => Array.IndexOf(Items, item) >= 0;

    public EquatableArray<T> Add(T item) => new([.. Items, item]);

    public EquatableArray<T> RemoveAt(int index)
    {
        var rest = new T[Items.Length - 1];
        Array.Copy(Items, rest, index);
        Array.Copy(Items, index + 1, rest, index, rest.Length - index);
        return new(rest);
    }

    // As LINQ's, which would box the array and its enumerator.
    public bool All(Func<T, bool> predicate)
    {
        foreach (var item in Items)
        {
            if (!predicate(item))
            {
                return false;
            }
        }

        return true;
    }

    public bool Any(Func<T, bool> predicate)
    {
        foreach (var item in Items)
        {
            if (predicate(item))
            {
                return true;
            }
        }

        return false;
    }

    public IEnumerable<T> Where(Func<T, bool> predicate) => Items.Where(predicate);

    public IEnumerable<TResult> Select<TResult>(Func<T, TResult> selector) => Items.Select(selector);

    /// <summary>What a function makes of each element.</summary>
    public EquatableArray<TResult> Map<TResult>(Func<T, TResult> function) => new(Array.ConvertAll(Items, new Converter<T, TResult>(function)));

    public override string ToString() => "[" + string.Join(", ", Items) + "]";

    /// <summary>Enumerates without allocating.</summary>
    public struct Enumerator
    {
        private readonly T[] _items;
        private int _index;

        internal Enumerator(T[] items)
        {
            _items = items;
            _index = -1;
        }

        public readonly T Current => _items[_index];

        public bool MoveNext() => ++_index < _items.Length;
    }
}

public static class EquatableArray
{
    public static EquatableArray<T> Create<T>(ReadOnlySpan<T> items) => new(items.ToArray());

    /// <summary>An array as it is, not copied: nobody may change it any more.</summary>
    public static EquatableArray<T> Owning<T>(T[] items) => new(items);

    public static EquatableArray<T> ToEquatableArray<T>(this IEnumerable<T> items) => new(items.ToArray());
}
