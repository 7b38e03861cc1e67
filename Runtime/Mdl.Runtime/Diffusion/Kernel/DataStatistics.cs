using System.Globalization;
using System.Numerics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>Checks data and takes mean and covariance.</summary>
internal sealed class DataStatistics
{
    // Up to so many dimensions the covariance is a full matrix; above, its diagonal.
    private const int MostFullDimensions = 64;

    private DataStatistics(double[] mean, double[] variances, double[]? covariance)
    {
        Mean = mean;
        Variances = variances;
        Covariance = covariance;
    }

    public double[] Mean { get; }

    /// <summary>Of each column; divided by n.</summary>
    public double[] Variances { get; }

    /// <summary>[d, d], or null where d is large.</summary>
    public double[]? Covariance { get; }

    /// <summary>The root of the mean variance of the columns.</summary>
    public double StandardDeviation => Math.Sqrt(Variances.Average());

    /// <summary>Statistics of data [n, d].</summary>
    /// <exception cref="ArgumentException">Data that no estimate can be made from.</exception>
    public static DataStatistics Of<T>(ReadOnlySpan<T> data, int dimensions, bool allowConstantColumns)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (dimensions < 1)
        {
            throw new ArgumentException($"Data need at least one dimension, not {dimensions}.", nameof(dimensions));
        }

        if (data.Length % dimensions != 0)
        {
            throw new ArgumentException($"{data.Length} numbers are not whole points of {dimensions} dimensions.", nameof(data));
        }

        var count = data.Length / dimensions;
        if (count < 2)
        {
            throw new ArgumentException($"A kernel estimate needs at least two points; the data have {count}.", nameof(data));
        }

        var mean = Means(data, dimensions);
        var isFull = dimensions <= MostFullDimensions;
        var covariance = new double[isFull ? dimensions * dimensions : dimensions];
        var centred = new double[dimensions];
        for (var i = 0; i < count; i++)
        {
            var row = data.Slice(i * dimensions, dimensions);
            for (var j = 0; j < dimensions; j++)
            {
                centred[j] = double.CreateTruncating(row[j]) - mean[j];
            }

            for (var j = 0; j < dimensions; j++)
            {
                if (!isFull)
                {
                    covariance[j] += centred[j] * centred[j];
                    continue;
                }

                for (var k = 0; k < dimensions; k++)
                {
                    covariance[(j * dimensions) + k] += centred[j] * centred[k];
                }
            }
        }

        for (var i = 0; i < covariance.Length; i++)
        {
            covariance[i] /= count;
        }

        var variances = isFull ? [.. Enumerable.Range(0, dimensions).Select(j => covariance[j * (dimensions + 1)])] : covariance;
        CheckVariances(variances, mean, allowConstantColumns);
        return new DataStatistics(mean, variances, isFull ? covariance : null);
    }

    private static double[] Means<T>(ReadOnlySpan<T> data, int dimensions)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var mean = new double[dimensions];
        for (var i = 0; i < data.Length; i++)
        {
            if (!T.IsFinite(data[i]))
            {
                throw new ArgumentException(string.Create(
                    CultureInfo.InvariantCulture, $"Point {i / dimensions} has {data[i]} in column {i % dimensions}; data must be finite."), nameof(data));
            }

            mean[i % dimensions] += double.CreateTruncating(data[i]);
        }

        for (var j = 0; j < dimensions; j++)
        {
            mean[j] /= data.Length / dimensions;
        }

        return mean;
    }

    private static void CheckVariances(double[] variances, double[] mean, bool allowConstantColumns)
    {
        // Rounding of the mean leaves a variance of about this where all values are the same.
        const double Rounding = 1e-30;
        var constant = Array.FindIndex(variances, 0, variances.Length, v => v == 0);
        if (constant < 0)
        {
            constant = Enumerable.Range(0, variances.Length).Where(j => variances[j] <= Rounding * mean[j] * mean[j]).FirstOrDefault(-1);
        }

        if (constant >= 0 && (!allowConstantColumns || variances.All(v => v == 0)))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"Column {constant} has the same value, {mean[constant]}, in all points: leave it out, or say that constant columns are meant."), nameof(variances));
        }
    }
}
