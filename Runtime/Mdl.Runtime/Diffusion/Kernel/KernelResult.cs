using System.Numerics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>From the sums of a query to density and score, with the tail.</summary>
internal static unsafe class KernelResult
{
    /// <summary>Numbers of scratch memory that a query takes.</summary>
    public static int WorkDoubles(int dimensions) => 3 * dimensions;

    /// <summary>Writes the result of a query.</summary>
    /// <param name="call">The evaluation.</param>
    /// <param name="query">Its number.</param>
    /// <param name="logSum">The natural logarithm of the sum of exp(-|x - X_j|^2 / (2 t)).</param>
    /// <param name="shift">The kernel's denoised point less x, in the unit of the blocks: [d].</param>
    /// <param name="work"><see cref="WorkDoubles"/> numbers.</param>
    public static void Write<T>(in KernelCall<T> call, int query, double logSum, T* shift, double* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var d = call.Dimensions;
        var count = (double)call.Data.Count;
        var x = call.Queries + ((long)query * d);
        var logKernels = logSum - (0.5 * d * Math.Log(2 * Math.PI * call.Variance));
        var logDensity = logKernels - Math.Log(count);
        var factor = 1.0;
        var normalShift = work;
        var normalFactor = 0.0;
        switch (call.Tail.Kind)
        {
            case KernelTailKind.Gaussian:
                var point = work + d;
                for (var j = 0; j < d; j++)
                {
                    point[j] = double.CreateTruncating(x[j]);
                }

                var logNormal = Math.Log(call.Tail.Weight)
                    + call.Gaussian!.Evaluate(new(point, d), call.Variance, new(normalShift, d), new(work + (2 * d), d));
                var larger = Math.Max(logKernels, logNormal);
                var logAll = larger + Math.Log(Math.Exp(logKernels - larger) + Math.Exp(logNormal - larger));
                factor = Math.Exp(logKernels - logAll);
                normalFactor = Math.Exp(logNormal - logAll);
                logDensity = logAll - Math.Log(count + call.Tail.Weight);
                break;
            case KernelTailKind.Threshold:
                factor = logSum > LogThreshold(call) ? 1 : 0;
                break;
            case KernelTailKind.Max:
                factor = Math.Min(1, Math.Exp(logSum - LogThreshold(call)));
                break;
        }

        var output = call.Output + ((long)query * d);
        var unit = double.CreateTruncating(call.Unit) * factor;
        for (var j = 0; j < d; j++)
        {
            var moved = (unit * double.CreateTruncating(shift[j])) + (normalFactor == 0 ? 0 : normalFactor * normalShift[j]);
            output[j] = T.CreateTruncating(call.Kind == KernelOutput.Denoised ? double.CreateTruncating(x[j]) + moved : moved / call.Variance);
        }

        if (call.LogDensity != null)
        {
            call.LogDensity[query] = logDensity;
        }
    }

    /// <summary>The density is at most weight / (n t^(d/2)) exactly if the sum is at most weight (2 pi)^(d/2), of which this is the logarithm.</summary>
    public static double LogThreshold<T>(in KernelCall<T> call)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Math.Log(call.Tail.Weight) + (0.5 * call.Dimensions * Math.Log(2 * Math.PI));
}
