namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>What the emitter knows of the sizes of a product [m, k] x [k, n]: those of the model. 0 stands for those that are known when it runs.</summary>
public readonly record struct KnownSizes(int M, int N, int K);

/// <summary>What a kernel of products is compiled for.</summary>
internal record struct ProductSizes
{
    /// <summary>Sizes; 0 for those that are not known.</summary>
    public int M, N, K;

    /// <summary>The formats of the operands.</summary>
    public int Left, Right;

    /// <summary>Whether operands are rounded to bfloat16, and whether the product is added to what is there.</summary>
    public int Rounds, Accumulate;

    /// <summary>With the sizes of the launch where the compiler does not know them.</summary>
    public static ProductSizes Of(ProductSizes known, int m, int n, int k)
    {
        known.M = known.M != 0 ? known.M : m;
        known.N = known.N != 0 ? known.N : n;
        known.K = known.K != 0 ? known.K : k;
        return known;
    }
}
