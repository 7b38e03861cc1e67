using Mdl.Runtime.Checkpoints;
using SkiaSharp;

namespace Glyphs.Sample;

/// <summary>A picture of many small images, row by row.</summary>
internal sealed class Sheet(int columns)
{
    private const int Scale = 2;
    private const int Cell = (ImageSet.Size * Scale) + 4;
    private readonly List<float[]?> _images = [];

    /// <summary>Adds the next image; an empty place for none.</summary>
    public void Add(ReadOnlySpan<float> image) => _images.Add(image.IsEmpty ? null : image.ToArray());

    public void Save(string path)
    {
        var rows = (_images.Count + columns - 1) / columns;
        using var sheet = new SKBitmap(columns * Cell, rows * Cell);
        using var canvas = new SKCanvas(sheet);
        canvas.Clear(new SKColor(0xDD, 0xDD, 0xDD));
        for (var i = 0; i < _images.Count; i++)
        {
            if (_images[i] is { } image)
            {
                using var bitmap = Bitmap(image);
                using var picture = SKImage.FromBitmap(bitmap);
                var (x, y) = ((i % columns * Cell) + 2, (i / columns * Cell) + 2);
                canvas.DrawImage(picture, new SKRect(x, y, x + (ImageSet.Size * Scale), y + (ImageSet.Size * Scale)), new SKSamplingOptions(SKFilterMode.Nearest));
            }
        }

        canvas.Flush();
        using var data = sheet.Encode(SKEncodedImageFormat.Png, 100);
        AtomicFile.Write(path, stream => data.SaveTo(stream));
    }

    private static SKBitmap Bitmap(float[] image)
    {
        var bitmap = new SKBitmap(ImageSet.Size, ImageSet.Size);
        for (var i = 0; i < image.Length; i++)
        {
            var grey = (byte)Math.Clamp((1 - image[i]) * 127.5, 0, 255);
            bitmap.SetPixel(i % ImageSet.Size, i / ImageSet.Size, new SKColor(grey, grey, grey));
        }

        return bitmap;
    }
}
