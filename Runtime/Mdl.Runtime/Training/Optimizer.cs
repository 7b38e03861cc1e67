using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Training;

/// <summary>The numbers of one AdamW update.</summary>
internal readonly record struct AdamWStep(
    float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, float Correction1, float Correction2, float GradientScale);

/// <summary>Plain optimizer kernels.</summary>
internal static unsafe class Optimizer
{
    public static double SquaredNorm(Team team, float* values, long count)
    {
        double sum = 0;
        for (long i = 0; i < count; i++)
        {
            sum += (double)values[i] * values[i];
        }

        return sum;
    }

    public static void AdamW(Team team, float* w, float* g, float* m, float* v, long begin, long count, in AdamWStep step, bool zeroGradient)
    {
        for (var i = begin; i < begin + count; i++)
        {
            var gradient = g[i] * step.GradientScale;
            m[i] += (1 - step.Beta1) * (gradient - m[i]);
            v[i] += (1 - step.Beta2) * ((gradient * gradient) - v[i]);
            var update = m[i] / step.Correction1 / (MathF.Sqrt(v[i] / step.Correction2) + step.Epsilon);
            w[i] -= step.LearningRate * (update + (step.WeightDecay * w[i]));
            g[i] = zeroGradient ? 0 : g[i];
        }
    }
}
