namespace Mdl.Runtime.Tests.Kernels;

/// <summary>Slopes measured by central differences.</summary>
internal static class CentralDifference
{
    private const double Step = 1e-5;

    /// <summary>Asserts that a gradient in double precision is the slope of a loss by each element of an input, which is left as it was.</summary>
    public static void Check(double[] input, double[] gradient, Func<double> loss)
    {
        for (var i = 0; i < input.Length; i++)
        {
            var value = input[i];
            input[i] = value + Step;
            var above = loss();
            input[i] = value - Step;
            var below = loss();
            input[i] = value;
            // The error of the difference is of the order of Step^2, about 1e-10, plus 1e-16 / Step.
            Assert.Equal((above - below) / (2 * Step), gradient[i], 1e-8);
        }
    }
}
