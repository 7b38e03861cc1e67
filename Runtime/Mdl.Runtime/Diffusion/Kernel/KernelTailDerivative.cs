using System.Numerics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>From the covariance under the weights to the derivative of the score, with the tail.</summary>
internal static unsafe class KernelTailDerivative
{
    /// <summary>Numbers of scratch memory that a query takes: the covariance, two vectors, and three for the tail.</summary>
    public static long WorkDoubles(int dimensions) => ((long)dimensions * dimensions) + (5L * dimensions) + ((long)dimensions * dimensions);

    /// <summary>Writes [d, d].</summary>
    /// <param name="call">The evaluation.</param>
    /// <param name="query">Its number.</param>
    /// <param name="logSum">The natural logarithm of the sum of exp(-|x - X_j|^2 / (2 t)).</param>
    /// <param name="covariance">Of the data under the weights: [d, d].</param>
    /// <param name="shift">The kernel's denoised point less x: [d].</param>
    /// <param name="work">3 d + d d numbers.</param>
    /// <param name="jacobian">[d, d].</param>
    public static void Write<T>(in KernelCall<T> call, int query, double logSum, double* covariance, double* shift, double* work, T* jacobian)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var (d, t) = (call.Dimensions, call.Variance);
        var share = 1.0;
        var normalShift = work;
        var precision = work + (3 * d);
        if (call.Tail.Kind == KernelTailKind.Gaussian)
        {
            var point = work + d;
            for (var j = 0; j < d; j++)
            {
                point[j] = double.CreateTruncating(call.Queries[((long)query * d) + j]);
            }

            var logNormal = Math.Log(call.Tail.Weight) + call.Gaussian!.Evaluate(new(point, d), t, new(normalShift, d), new(work + (2 * d), d));
            share = 1 / (1 + Math.Exp(logNormal - (logSum - (0.5 * d * Math.Log(2 * Math.PI * t)))));
            call.Gaussian.Precision(t, new(precision, d * d));
        }

        var isSmall = call.Tail.Kind is KernelTailKind.Threshold or KernelTailKind.Max && logSum <= KernelResult.LogThreshold(call);
        var factor = !isSmall ? 1 : call.Tail.Kind == KernelTailKind.Max ? Math.Exp(logSum - KernelResult.LogThreshold(call)) : 0;
        for (var j = 0; j < d; j++)
        {
            for (var k = 0; k < d; k++)
            {
                var (s, r) = (shift[j] / t, shift[k] / t);
                var own = (covariance[(j * d) + k] / (t * t)) - (j == k ? 1 / t : 0);
                var value = own;
                switch (call.Tail.Kind)
                {
                    // Of a mixture: mean of the parts' derivatives plus the covariance of the parts' scores.
                    case KernelTailKind.Gaussian:
                        var (s1, r1) = (normalShift[j] / t, normalShift[k] / t);
                        value = (share * own) - ((1 - share) * precision[(j * d) + k]) + (share * (1 - share) * (s - s1) * (r - r1));
                        break;

                    // The gradient of the density over a constant.
                    case KernelTailKind.Max when isSmall:
                        value = factor * (own + (s * r));
                        break;
                    case KernelTailKind.Threshold:
                        value *= factor;
                        break;
                }

                jacobian[(j * d) + k] = T.CreateTruncating(value);
            }
        }
    }
}
