using System.Numerics;

namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>
/// What a multistep sampler knows of the steps before: their sigmas, newest first, and a vector of each, the denoised points or, for linear multistep, the
/// slopes. Also the scratch memory of a step. Nothing else is carried from step to step.
/// </summary>
/// <param name="length">Numbers in a batch, N d.</param>
public sealed class StepHistory<T>(int length)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Steps that are remembered.</summary>
    internal const int Most = 3;

    private readonly T[][] _values = [new T[length], new T[length], new T[length], new T[length]];
    private readonly double[] _sigmas = new double[Most];

    /// <summary>Numbers in a batch.</summary>
    public int Length { get; } = length;

    /// <summary>How many steps are known, at most 3.</summary>
    public int Count { get; private set; }

    /// <summary>The vector of the step at hand.</summary>
    internal T[] Current => _values[0];

    /// <summary>The batch that the last step began with, where a sampler corrects it.</summary>
    internal T[] Start { get; } = new T[length];

    /// <summary>Scratch memory.</summary>
    internal T[] Work { get; } = new T[length];

    /// <summary>Scratch memory.</summary>
    internal T[] Noise { get; } = new T[length];

    /// <summary>Scratch memory.</summary>
    internal T[] Middle { get; } = new T[length];

    /// <summary>Forgets all steps.</summary>
    public void Clear() => Count = 0;

    /// <summary>The sigma that a step began at; 1 is the last one.</summary>
    public double Sigma(int back) => _sigmas[back - 1];

    /// <summary>The vector of a step; 1 is the last one.</summary>
    internal T[] Value(int back) => _values[back];

    /// <summary>Makes the step at hand the last one.</summary>
    internal void Push(double sigma)
    {
        var oldest = _values[Most];
        for (var i = Most; i > 0; i--)
        {
            _values[i] = _values[i - 1];
        }

        _values[0] = oldest;
        (_sigmas[2], _sigmas[1], _sigmas[0]) = (_sigmas[1], _sigmas[0], sigma);
        Count = Math.Min(Most, Count + 1);
    }
}
