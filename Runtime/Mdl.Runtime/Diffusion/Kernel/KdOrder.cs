using System.Numerics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>Orders points as the leaves of a k-d tree that cuts the widest side, at multiples of a leaf size.</summary>
internal readonly ref struct KdOrder<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ReadOnlySpan<T> _data;
    private readonly int _dimensions;
    private readonly int _leaf;

    public KdOrder(ReadOnlySpan<T> data, int dimensions, int leaf)
    {
        _data = data;
        _dimensions = dimensions;
        _leaf = leaf;
        Order = [.. Enumerable.Range(0, data.Length / dimensions)];
        Split(0, Order.Length);
    }

    /// <summary>The number of the point at each place.</summary>
    public int[] Order { get; }

    private void Split(int begin, int end)
    {
        var leaves = (end - begin + _leaf - 1) / _leaf;
        if (leaves <= 1)
        {
            return;
        }

        var middle = begin + (leaves / 2 * _leaf);
        Select(begin, end - 1, middle, WidestColumn(begin, end));
        Split(begin, middle);
        Split(middle, end);
    }

    private int WidestColumn(int begin, int end)
    {
        var (widest, width) = (0, -T.One);
        for (var j = 0; j < _dimensions; j++)
        {
            var low = Value(begin, j);
            var high = low;
            for (var i = begin + 1; i < end; i++)
            {
                low = T.Min(low, Value(i, j));
                high = T.Max(high, Value(i, j));
            }

            if (high - low > width)
            {
                (widest, width) = (j, high - low);
            }
        }

        return widest;
    }

    // Hoare's selection with a pivot of three; ties leave the order to the places, so that it depends on the data alone.
    private void Select(int low, int high, int wanted, int column)
    {
        while (low < high)
        {
            var (a, b, c) = (Value(low, column), Value((low + high) >> 1, column), Value(high, column));
            var pivot = T.Max(T.Min(a, b), T.Min(T.Max(a, b), c));
            var (i, j) = (low, high);
            while (i <= j)
            {
                while (Value(i, column) < pivot)
                {
                    i++;
                }

                while (Value(j, column) > pivot)
                {
                    j--;
                }

                if (i <= j)
                {
                    (Order[i], Order[j]) = (Order[j], Order[i]);
                    i++;
                    j--;
                }
            }

            if (wanted <= j)
            {
                high = j;
            }
            else if (wanted >= i)
            {
                low = i;
            }
            else
            {
                return;
            }
        }
    }

    private T Value(int place, int column) => _data[(Order[place] * _dimensions) + column];
}
