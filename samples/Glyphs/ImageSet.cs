using System.Numerics;

namespace Glyphs.Sample;

/// <summary>Images of one size with their classes.</summary>
/// <param name="Pixels">[n, Size, Size], from -1 (paper) to 1 (ink).</param>
/// <param name="Labels">The class of each, or <see cref="LetterModel.Classes"/> for none.</param>
/// <param name="Names">What each class is called; none where the images have no classes.</param>
internal sealed record ImageSet(float[] Pixels, int[] Labels, IReadOnlyList<string> Names)
{
    /// <summary>Width and height.</summary>
    public const int Size = 24;

    /// <summary>Numbers of an image.</summary>
    public const int Length = Size * Size;

    public int Count => Labels.Length;

    public bool HasClasses => Names.Count > 0;

    public ReadOnlySpan<float> this[int index] => Pixels.AsSpan(index * Length, Length);

    /// <summary>The nearest images and their distances, the root of the mean squared difference of their points.</summary>
    public (int Index, double Distance)[] Nearest(ReadOnlySpan<float> image, int count)
    {
        var all = new (int Index, double Distance)[Count];
        for (var i = 0; i < Count; i++)
        {
            all[i] = (i, Math.Sqrt(SquaredDistance(image, this[i]) / Length));
        }

        Array.Sort(all, (a, b) => a.Distance.CompareTo(b.Distance));
        return all[..count];
    }

    private static double SquaredDistance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = Vector<float>.Zero;
        for (var i = 0; i < Length; i += Vector<float>.Count)
        {
            var difference = new Vector<float>(a[i..]) - new Vector<float>(b[i..]);
            sum += difference * difference;
        }

        return Vector.Sum(sum);
    }
}
