namespace Glyphs.Sample;

/// <summary>What the command line says.</summary>
/// <param name="Steps">Steps of training; 0 to draw only.</param>
/// <param name="Batch">Images in a batch.</param>
/// <param name="Images">Images that are drawn from fonts.</param>
/// <param name="Rows">Samples of each letter in a sheet.</param>
/// <param name="Seed">Of data, weights and noise.</param>
/// <param name="Data">A folder of images, or null.</param>
/// <param name="Fonts">A folder of fonts, or null for those of the system.</param>
/// <param name="Model">A file with weights to start from, or null.</param>
/// <param name="Output">The folder for pictures and weights.</param>
internal sealed record GlyphOptions(int Steps, int Batch, int Images, int Rows, int Seed, string? Data, string? Fonts, string? Model, string Output);
