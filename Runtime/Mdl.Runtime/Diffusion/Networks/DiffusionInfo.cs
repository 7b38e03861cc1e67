namespace Mdl.Runtime.Diffusion.Networks;

/// <summary>What generated code knows of a network that denoises.</summary>
/// <param name="Dimensions">The number of coordinates of a sample.</param>
/// <param name="Classes">The number of classes of its condition, 0 without one; label number Classes stands for no class.</param>
/// <param name="Drop">The share of samples whose class is left out in training.</param>
/// <param name="Average">The decay of the averaged weights; 0 for none.</param>
/// <param name="Noise">The law of noise levels in training.</param>
public sealed record DiffusionInfo(int Dimensions, int Classes, double Drop, double Average, NoiseDistribution Noise);
