using System.Globalization;
using Mdl.Runtime.Diffusion.Sampling;

namespace Moons.Sample;

/// <summary>A sampler's samples on their way from noise to data.</summary>
internal sealed class Trajectory
{
    /// <summary>Moments that are kept, evenly spaced in steps; the last one is after the last step.</summary>
    public const int Moments = 25;

    private readonly (double Sigma, float[] Points)[] _moments = new (double, float[])[Moments];

    /// <summary>Draws samples.</summary>
    public Trajectory(string name, DiffusionSampler<float> sampler, int samples, ulong seed)
    {
        Name = name;
        Steps = sampler.Sigmas.Count - 1;
        var next = 0;
        sampler.Sample(new float[2 * samples], seed, afterStep: (step, sigma, points) =>
        {
            while (next < Moments && step >= (next + 1) * Steps / Moments)
            {
                _moments[next++] = (sigma, points.ToArray());
            }
        });
    }

    /// <summary>The sampler's name.</summary>
    public string Name { get; }

    /// <summary>Steps of the sampler.</summary>
    public int Steps { get; }

    /// <summary>The samples of a moment: x and y in turn.</summary>
    public float[] Points(int moment) => _moments[moment].Points;

    /// <summary>The sampler and the noise level of a moment.</summary>
    public string Title(int moment) => string.Create(CultureInfo.InvariantCulture, $"{Name}, sigma {_moments[moment].Sigma:0.###}");
}
