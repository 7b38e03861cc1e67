using System.Numerics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>Which result of the estimator is wanted.</summary>
internal enum KernelOutput
{
    /// <summary>E[x0 | y].</summary>
    Denoised,

    /// <summary>The gradient of the logarithm of the density.</summary>
    Score,
}

/// <summary>One evaluation of the estimator, as its chunks see it.</summary>
internal unsafe struct KernelCall<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public Team Team;

    /// <summary>The data.</summary>
    public PointBlocks<T> Data;

    /// <summary>What stands for the data at this time; often the data themselves.</summary>
    public PointBlocks<T> Points;
    public GaussianTail? Gaussian;
    public KernelTail Tail;
    public KernelOutput Kind;
    public bool Skips;

    /// <summary>The number of queries.</summary>
    public int Count;

    /// <summary>[Count, d].</summary>
    public T* Queries;

    /// <summary>[Count, d].</summary>
    public T* Output;

    /// <summary>[Count], or null.</summary>
    public double* LogDensity;

    /// <summary>[d].</summary>
    public T* Centre;

    /// <summary>The unit that the points in <see cref="Data"/> are counted in.</summary>
    public T Unit;

    /// <summary>The variance of the smoothing normal law, in the data's own unit squared.</summary>
    public double Variance;

    public readonly int Dimensions => Data.Dimensions;

    /// <summary>log2(e) / (2 t), with t in units of <see cref="Unit"/>.</summary>
    public readonly double Scale => Math.Log2(Math.E) * double.CreateTruncating(Unit) * double.CreateTruncating(Unit) / (2 * Variance);
}
