using System.Runtime.CompilerServices;

namespace Mdl.Compiler;

/// <summary>Compares by identity what would compare by value, as records do.</summary>
internal sealed class SameObject<T> : IEqualityComparer<T>
    where T : class
{
    public bool Equals(T? x, T? y) => ReferenceEquals(x, y);

    public int GetHashCode(T obj) => RuntimeHelpers.GetHashCode(obj);
}
