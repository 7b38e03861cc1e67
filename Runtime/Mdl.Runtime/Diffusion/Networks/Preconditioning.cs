using System.Globalization;

namespace Mdl.Runtime.Diffusion.Networks;

/// <summary>What a network's output stands for. x = alpha x0 + std eps is the process's own state.</summary>
public enum Prediction
{
    /// <summary>The noise, eps.</summary>
    Noise,

    /// <summary>The data, x0.</summary>
    Data,

    /// <summary>alpha eps - std x0 (Salimans and Ho, 2202.00512), for processes that preserve variance.</summary>
    Velocity,

    /// <summary>The score of x, -eps / std.</summary>
    Score,

    /// <summary>eps - x0, the velocity of a flow whose noise is at t = 1.</summary>
    Flow,
}

/// <summary>The kinds of processes, as to how the signal shrinks while sigma = std / alpha grows.</summary>
public enum ProcessKind
{
    /// <summary>alpha = 1.</summary>
    VarianceExploding,

    /// <summary>alpha^2 + std^2 = 1.</summary>
    VariancePreserving,

    /// <summary>alpha + std = 1.</summary>
    Flow,
}

/// <summary>D = Skip y + Out F(In y, Noise): how a denoiser is made from a network (Karras et al., 2206.00364, equation 7).</summary>
/// <param name="Skip">c_skip.</param>
/// <param name="Out">c_out.</param>
/// <param name="In">c_in.</param>
/// <param name="Noise">c_noise, what the network is told of the noise.</param>
public readonly record struct Preconditioning(double Skip, double Out, double In, double Noise)
{
    /// <summary>Karras et al. (2206.00364), table 1, for data of a standard deviation.</summary>
    public static Preconditioning Edm(double sigma, double data = 0.5)
    {
        if (!(data > 0 && double.IsFinite(data)))
        {
            throw new ArgumentOutOfRangeException(nameof(data), data, "The standard deviation of the data must be above 0.");
        }

        var square = (sigma * sigma) + (data * data);
        return new(data * data / square, sigma * data / Math.Sqrt(square), 1 / Math.Sqrt(square), Math.Log(sigma) / 4);
    }

    /// <summary>The same of a network that predicts something in the process's own coordinates; it is told log(sigma) / 4.</summary>
    public static Preconditioning Of(Prediction prediction, ProcessKind process, double sigma)
    {
        var root = Math.Sqrt(1 + (sigma * sigma));
        var alpha = process switch { ProcessKind.VarianceExploding => 1, ProcessKind.VariancePreserving => 1 / root, _ => 1 / (1 + sigma) };
        var deviation = sigma * alpha;
        var noise = Math.Log(sigma) / 4;
        return prediction switch
        {
            Prediction.Noise => new(1, -sigma, alpha, noise),
            Prediction.Data => new(0, 1, alpha, noise),
            Prediction.Velocity when process == ProcessKind.VariancePreserving => new(alpha * alpha, -deviation, alpha, noise),
            Prediction.Score => new(1, deviation * deviation / alpha, alpha, noise),
            Prediction.Flow when process == ProcessKind.Flow => new(alpha, -deviation, alpha, noise),
            _ => throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{prediction} has no meaning in a process of kind {process}."), nameof(prediction)),
        };
    }
}
