using Mdl.Runtime.RandomNumbers;

namespace Moons.Sample;

/// <summary>Points on two half circles that reach into each other, with some noise.</summary>
internal static class TwoMoons
{
    private const float Noise = 0.08f;

    /// <summary>[n, 2].</summary>
    public static float[] Draw(int count, ulong seed)
    {
        var points = new float[2 * count];
        Normal.Fill(new Philox(seed, 0), 0, Noise, points);
        var angles = new Philox(seed, 1);
        for (var i = 0; i < count; i++)
        {
            var angle = Math.PI * angles.Double((ulong)i);
            var (x, y) = i % 2 == 0 ? (Math.Cos(angle), Math.Sin(angle)) : (1 - Math.Cos(angle), 0.5 - Math.Sin(angle));
            points[2 * i] += (float)x;
            points[(2 * i) + 1] += (float)y;
        }

        return points;
    }
}
