namespace Mdl.Runtime.Models;

/// <summary>What the cache keeps of one attention of a model.</summary>
/// <param name="KeyHeads">Key and value heads.</param>
/// <param name="KeyWidth">Numbers of a key.</param>
/// <param name="ValueWidth">Numbers of a value.</param>
/// <param name="Instances">How often the attention is repeated, each time with keys and values of its own.</param>
public readonly record struct CacheLayer(int KeyHeads, int KeyWidth, int ValueWidth, int Instances);
