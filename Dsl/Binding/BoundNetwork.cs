namespace Mdl.Dsl.Binding;

/// <summary>A network that learns a score: D = skip y + out F(in y, noise), with D(y, sigma) = E[x0 | y] and y = x0 + sigma z.</summary>
/// <param name="Shape">The axes of a sample.</param>
/// <param name="Predicts">What the network's output is: edm, x0, eps, v, score or flow.</param>
/// <param name="Data">The standard deviation of the data for edm.</param>
/// <param name="Training">How it is trained.</param>
public sealed record BoundNetwork(EquatableArray<long> Shape, string Predicts, double Data, NetworkTraining Training)
{
    /// <summary>The number of classes of a condition; label number <c>Classes</c> is none of them. 0 without a condition.</summary>
    public int Classes { get; init; }

    /// <summary>The name of the condition, or "".</summary>
    public string Condition { get; init; } = "";

    /// <summary>The share of samples whose label is left out in training.</summary>
    public double Drop { get; init; }

    /// <summary>
    /// The network with its process: Forward takes "y" [B, ..] and "sigma" [B] (and "label" int[B]) and gives D; Training takes "clean" and "noise" [B, ..] and
    /// "sigma" (and "label"), and gives the loss. B is the number of samples.
    /// </summary>
    public BoundModel Model { get; init; } = null!;
}

/// <summary>The <c>train</c> lines of a diffusion.</summary>
/// <param name="Noise">lognormal, loguniform or uniform in the time of the process.</param>
/// <param name="NoiseNumbers">Its numbers.</param>
/// <param name="Weight">Of what the squared error is: edm, x0, eps, v, score or flow; or min_snr.</param>
/// <param name="WeightLimit">The limit of min_snr.</param>
/// <param name="Average">The decay of the averaged weights; 0 for none.</param>
/// <param name="Settings">Optimizer, schedule and precision.</param>
public sealed record NetworkTraining(string Noise, EquatableArray<double> NoiseNumbers, string Weight, double WeightLimit, double Average, TrainSettings Settings);

/// <summary>Classifier-free guidance.</summary>
/// <param name="Weight">w in u + w (c - u).</param>
/// <param name="From">Below this sigma there is none.</param>
/// <param name="To">Above this sigma there is none.</param>
/// <param name="Rescale">The share by which the deviation is drawn back to that of the conditional result.</param>
public sealed record BoundGuidance(double Weight, double From, double To, double Rescale);
